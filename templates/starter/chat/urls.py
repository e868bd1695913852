    path("", include("chat.urls")),
    path("echo/", include("echo.urls")),
