from django.urls import include, path

from chat import views

urlpatterns = [
    path("", views.room_list, name="rooms"),
    path("rooms/<slug:slug>/", views.room, name="room"),
    path("rooms/<slug:slug>/messages/", views.post_message, name="post_message"),
    path("name/", views.guest_name, name="guest_name"),
    path("accounts/signup/", views.SignUp.as_view(), name="signup"),
    path("accounts/password_change/", views.PasswordChange.as_view(), name="password_change"),
    path("accounts/", include("django.contrib.auth.urls")),
]
