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
                ("slug", models.SlugField(unique=True)),
                ("title", models.CharField(max_length=100)),
                ("open_to_guests", models.BooleanField(default=False)),
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
                        default=0, editable=False, help_text="that of the newest message"
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
                ("seq", models.PositiveBigIntegerField(help_text="counts up by one in each room")),
                ("client_id", models.UUIDField(help_text="the same when a client sends it again")),
                ("guest_id", models.CharField(blank=True, max_length=40)),
                ("guest_name", models.CharField(blank=True, max_length=40)),
                ("text", models.TextField()),
                ("sent_at", models.DateTimeField(auto_now_add=True)),
                (
                    "author",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
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
                    ),
                ),
                (
                    "room",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="messages",
                        to="chat.room",
                    ),
                ),
            ],
            options={
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
