    path("", include("chat.urls")),
    path("echo/", include("echo.urls")),
    path("accounts/", include("users.urls")),
