import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import chat.models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Room",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slug", models.SlugField(unique=True, verbose_name="part of the address")),
                ("title", models.CharField(max_length=100, verbose_name="title")),
                (
                    "open_to_guests",
                    models.BooleanField(default=False, verbose_name="open to guests"),
                ),
                (
                    "epoch",
                    models.CharField(
                        default=chat.models.new_epoch,
                        editable=False,
                        help_text="names this log, for clients",
                        max_length=32,
                    ),
                ),
                (
                    "seq",
                    models.PositiveBigIntegerField(
                        default=0,
                        editable=False,
                        help_text="that of the newest message",
                        verbose_name="newest number",
                    ),
                ),
                (
                    "owner",
                    models.OneToOneField(
                        blank=True,
                        editable=False,
                        help_text="whose direct messages these are",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="inbox",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "room",
                "verbose_name_plural": "rooms",
                "ordering": ["title"],
            },
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "seq",
                    models.PositiveBigIntegerField(
                        help_text="It counts up by one in each room.", verbose_name="number"
                    ),
                ),
                (
                    "client_id",
                    models.UUIDField(
                        help_text="It is the same when a client sends the message again.",
                        verbose_name="identifier",
                    ),
                ),
                (
                    "guest_id",
                    models.CharField(
                        blank=True, max_length=40, verbose_name="identifier of the guest"
                    ),
                ),
                (
                    "guest_name",
                    models.CharField(blank=True, max_length=40, verbose_name="name of the guest"),
                ),
                ("text", models.TextField(verbose_name="text")),
                ("sent_at", models.DateTimeField(auto_now_add=True, verbose_name="time")),
                (
                    "author",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="author",
                    ),
                ),
                (
                    "recipient",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="recipient",
                    ),
                ),
                (
                    "room",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="messages",
                        to="chat.room",
                        verbose_name="room",
                    ),
                ),
            ],
            options={
                "verbose_name": "message",
                "verbose_name_plural": "messages",
                "ordering": ["room", "seq"],
                "constraints": [
                    models.UniqueConstraint(fields=("room", "seq"), name="one_message_per_seq"),
                    models.UniqueConstraint(
                        fields=("room", "client_id"), name="one_message_per_client_id"
                    ),
                ],
            },
        ),
    ]
