"""The database backend, in the module in which Django looks for it."""

from typing import Any

from django.db.backends.postgresql import base

from serving.embedded_postgres import Place, address_of, keep_running


class DatabaseWrapper(base.DatabaseWrapper):
    """Starts the server when a process connects. Its ``HOST`` is the folder of the data."""

    def get_connection_params(self) -> dict[str, Any]:
        place = Place(self.settings_dict["HOST"])
        return {**super().get_connection_params(), **address_of(place)}

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        keep_running(self.settings_dict["HOST"])
        return super().get_new_connection(conn_params)
