"""The plain HTML of the sign-in pages."""

from __future__ import annotations

from html import escape

from starlette.responses import HTMLResponse, Response

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:4rem auto;padding:0 1rem}"
    "button{font:inherit;padding:.4rem 1rem}code{word-break:break-all}"
)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"


def page(title: str, body: str, status: int = 200, policy: str = "") -> Response:
    """Return an HTML page with a title.

    `body` is HTML in which texts are already escaped; `policy` extends the Content-Security-Policy.
    """
    text = (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": f"{_POLICY}; {policy}" if policy else _POLICY,
        # With no-referrer browsers send "Origin: null" with the forms, which are then taken for foreign.
        "Referrer-Policy": "same-origin",
        "X-Frame-Options": "DENY",
    }
    return HTMLResponse(text, status, headers)


def message_page(title: str, sentence: str, status: int = 200) -> Response:
    """Return an HTML page with a title and one sentence."""
    return page(title, f"<p>{escape(sentence)}</p>", status)


def hidden(**fields: str) -> str:
    """Return the HTML of hidden form fields."""
    return "".join(
        f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in fields.items()
    )
