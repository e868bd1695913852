from datetime import timedelta

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from chat.models import Message

MAX_DAYS = 36_500
BATCH = 500  # messages deleted in a transaction, which keeps other writers waiting


class Command(BaseCommand):
    help = "Deletes messages that are older than a number of days, direct ones too."

    def add_arguments(self, parser) -> None:
        parser.add_argument("days", type=int)

    def handle(self, *, days: int, **options) -> None:
        if not 1 <= days <= MAX_DAYS:
            raise CommandError(f"days is {days}: give a number from 1 to {MAX_DAYS}.")
        old = Message.objects.filter(sent_at__lt=timezone.now() - timedelta(days=days))
        deleted = 0
        while batch := list(old.order_by("pk").values_list("pk", flat=True)[:BATCH]):
            Message.objects.filter(pk__in=batch).delete()
            deleted += len(batch)
        self.stdout.write(f"{deleted} messages deleted")
