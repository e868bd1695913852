from django.contrib import admin
from django.urls import include, path

urlpatterns = [
{% include 'starters/' ~ cookiecutter.starter ~ '/urls.py' %}
    path("admin/", admin.site.urls),
]
