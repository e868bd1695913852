import re

import pytest
from django.conf import settings

INLINE = re.compile(
    r"<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\ssrc=)",
    re.IGNORECASE,
)


@pytest.mark.parametrize("path", ["/", "/admin/login/"])
def test_a_page_loads_and_runs_only_what_this_site_serves(client, db, path):
    response = client.get(path)  # "/" may have no page
    directives = response["Content-Security-Policy"].split("; ")
    assert "default-src 'none'" in directives
    assert "script-src 'self'" in directives
    assert "frame-ancestors 'none'" in directives
    assert "unsafe" not in response["Content-Security-Policy"]


def test_no_page_has_an_inline_script_or_style():
    for page in settings.BASE_DIR.glob("*/templates/**/*.html"):
        assert not INLINE.search(page.read_text("utf-8")), page


def test_other_sites_learn_no_address_of_a_page(client, db):
    response = client.get("/")
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response["X-Content-Type-Options"] == "nosniff"
