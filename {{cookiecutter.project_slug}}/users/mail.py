from django.core.mail import EmailMessage
from django.core.mail.backends.console import EmailBackend


class ConsoleBackend(EmailBackend):
    """Django's backend for development, which prints texts as they are: encoded, links break."""

    def write_message(self, message: EmailMessage) -> None:
        to = ", ".join(message.to)
        self.stream.write(f"To: {to}\nSubject: {message.subject}\n\n{message.body}\n{'-' * 79}\n")
