from django.urls import path

from chat import views

urlpatterns = [
    path("", views.room_list, name="rooms"),
    path("rooms/<slug:slug>/", views.room, name="room"),
    path("rooms/<slug:slug>/messages/", views.post_message, name="post_message"),
    path("name/", views.guest_name, name="guest_name"),
]
