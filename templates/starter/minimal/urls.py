    path("", include("echo.urls")),
