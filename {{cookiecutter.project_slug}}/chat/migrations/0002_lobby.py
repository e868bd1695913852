from django.db import migrations


def make_lobby(apps, schema_editor) -> None:
    Room = apps.get_model("chat", "Room")
    Room.objects.create(slug="lobby", title="Lobby", open_to_guests=True)


class Migration(migrations.Migration):
    dependencies = [("chat", "0001_initial")]
    operations = [migrations.RunPython(make_lobby, migrations.RunPython.noop)]
