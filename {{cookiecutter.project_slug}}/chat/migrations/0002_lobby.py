from django.conf import settings
from django.db import migrations
from django.utils import translation
from django.utils.translation import gettext as _


def make_lobby(apps, schema_editor) -> None:
    Room = apps.get_model("chat", "Room")
    with translation.override(settings.LANGUAGE_CODE):  # commands translate nothing
        Room.objects.create(slug="lobby", title=_("Lobby"), open_to_guests=True)


class Migration(migrations.Migration):
    dependencies = [("chat", "0001_initial")]
    operations = [migrations.RunPython(make_lobby, migrations.RunPython.noop)]
