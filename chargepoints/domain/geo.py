"""Distances and boxes on the globe. Degrees of latitude and longitude, kilometres."""

import math
from dataclasses import dataclass

EARTH_RADIUS_KM = 6371.0088
# Stored coordinates are rounded; the box must not lose what lies on its edge.
_MARGIN_DEGREES = 0.00001


@dataclass(frozen=True, slots=True)
class BoundingBox:
    """`longitudes`: one range from west to east, two where the box crosses 180°."""

    south: float
    north: float
    longitudes: tuple[tuple[float, float], ...]


def distance_km(latitude: float, longitude: float, latitude_2: float, longitude_2: float) -> float:
    """Great-circle distance (haversine)."""
    phi_1, phi_2 = math.radians(latitude), math.radians(latitude_2)
    half_latitude = (phi_2 - phi_1) / 2
    half_longitude = math.radians(longitude_2 - longitude) / 2
    a = (
        math.sin(half_latitude) ** 2
        + math.cos(phi_1) * math.cos(phi_2) * math.sin(half_longitude) ** 2
    )
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(min(1.0, a)))


def bounding_box(latitude: float, longitude: float, radius_km: float) -> BoundingBox:
    """A box that holds every point within `radius_km`; around a pole it goes all the way round."""
    angle = radius_km / EARTH_RADIUS_KM
    reach = math.degrees(angle) + _MARGIN_DEGREES
    south, north = latitude - reach, latitude + reach
    if south <= -90 or north >= 90:
        return BoundingBox(max(south, -90.0), min(north, 90.0), ((-180.0, 180.0),))
    ratio = min(1.0, math.sin(angle) / math.cos(math.radians(latitude)))
    width = math.degrees(math.asin(ratio)) + _MARGIN_DEGREES
    west, east = longitude - width, longitude + width
    if east - west >= 360:
        return BoundingBox(south, north, ((-180.0, 180.0),))
    if west < -180:
        return BoundingBox(south, north, ((west + 360, 180.0), (-180.0, east)))
    if east > 180:
        return BoundingBox(south, north, ((west, 180.0), (-180.0, east - 360)))
    return BoundingBox(south, north, ((west, east),))
