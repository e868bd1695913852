from django.contrib import admin
from django.urls import include, path

urlpatterns = [
{% include 'starter/' ~ cookiecutter.starter ~ '/urls.py' %}
    path("admin/", admin.site.urls),
]
