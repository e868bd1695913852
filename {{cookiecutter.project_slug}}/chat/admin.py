from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from chat.models import Message, Room
from realtime.frames import Person


@admin.register(Room)
class RoomAdmin(admin.ModelAdmin):
    list_display = ["title", "slug", "open_to_guests", "seq"]
    list_filter = ["open_to_guests"]
    search_fields = ["title", "slug"]
    prepopulated_fields = {"slug": ["title"]}

    def get_queryset(self, request):
        return super().get_queryset(request).filter(owner=None)  # the others are private


@admin.register(Message)
class MessageAdmin(admin.ModelAdmin):
    list_display = ["room", "seq", "person", "text", "sent_at"]
    list_filter = ["room"]
    list_select_related = ["room", "author"]
    search_fields = ["text"]
    date_hierarchy = "sent_at"

    def get_queryset(self, request):
        return super().get_queryset(request).filter(room__owner=None)

    @admin.display(description=_("author"))
    def person(self, message: Message) -> Person:
        return message.person

    def has_add_permission(self, request) -> bool:
        return False  # a seq is only given in chat.rooms

    def has_change_permission(self, request, obj=None) -> bool:
        return False  # clients keep what they have read
