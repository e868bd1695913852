from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """The project's own user model: fields may be added at any time.

    https://docs.djangoproject.com/en/stable/topics/auth/customizing/
    """
