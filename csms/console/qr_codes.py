import qrcode
from django.utils.safestring import SafeString, mark_safe
from qrcode.image.svg import SvgPathImage


def qr_code(text: str) -> SafeString:
    """The text as an SVG drawing."""
    image = qrcode.make(text, image_factory=SvgPathImage, border=1)
    # Built from numbers only: the text itself is not in the drawing.
    return mark_safe(image.to_string(encoding="unicode"))  # noqa: S308
