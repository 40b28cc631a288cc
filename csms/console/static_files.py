"""Static files under ASGI, read whole: they are small, and Django cannot stream a plain file there.

Streaming one would warn, hold a thread for each chunk, and leave the file open when the browser
goes away in between.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware


class StaticFilesMiddleware(WhiteNoiseMiddleware):
    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponse:
        streamed = WhiteNoiseMiddleware.serve(static_file, request)
        try:
            whole = HttpResponse(streamed.getvalue(), status=streamed.status_code)
        finally:
            streamed.close()
        whole.headers = streamed.headers
        return whole
