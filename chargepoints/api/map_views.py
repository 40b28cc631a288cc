"""What a map shows before it is close enough for single stations."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from chargepoints.api import serializers as forms
from chargepoints.api.filters import wanted_stations
from chargepoints.domain.geo import BoundingBox
from chargepoints.selectors.clusters import MOST_CELLS, Cluster, cell_degrees, clusters
from csms.common.api.examples import answered
from csms.common.api.permissions import Access
from csms.common.api.views import ApiView

EXAMPLE = {
    "zoom": 6,
    "cell_degrees": 1.40625,
    "stations": 812,
    "clusters": [
        {
            "latitude": 13.7563,
            "longitude": 100.5018,
            "stations": 812,
            "available": 540,
            "bounds": {"south": 13.51, "west": 100.32, "north": 14.02, "east": 100.93},
            "identity": None,
        }
    ],
}


class ClustersView(ApiView):
    access: ClassVar = {"GET": Access(public=True, scope="read")}
    public_seconds = 15

    @extend_schema(
        operation_id="chargepoints_clusters",
        summary="Stations of a map, counted by cells",
        description="For a map that is too far out for single stations. `west` greater than "
        f"`east`: a box across 180°. At most {MOST_CELLS:,} cells: ask with the zoom that the "
        "map has. A cell with one station says which.",
        tags=["chargepoints"],
        parameters=[forms.ClusterQuerySerializer],
        responses={200: forms.ClustersSerializer},
        examples=[answered(EXAMPLE)],
    )
    def get(self, request: Request) -> Response:
        given = self.validated(forms.ClusterQuerySerializer, request.query_params.dict())
        found = clusters(request.user, _box(given), given["zoom"], wanted_stations(given))
        return Response(
            {
                "zoom": given["zoom"],
                "cell_degrees": cell_degrees(given["zoom"]),
                "stations": sum(cluster.stations for cluster in found),
                "clusters": [_shown(cluster) for cluster in found],
            }
        )


def _box(given: dict[str, Any]) -> BoundingBox:
    west, east = given["west"], given["east"]
    longitudes = ((west, east),) if west <= east else ((west, 180.0), (-180.0, east))
    return BoundingBox(given["south"], given["north"], longitudes)


def _shown(row: Cluster) -> dict[str, Any]:
    ((west, east),) = row.box.longitudes
    return {
        "latitude": round(row.latitude, 6),
        "longitude": round(row.longitude, 6),
        "stations": row.stations,
        "available": row.available,
        "bounds": {"south": row.box.south, "west": west, "north": row.box.north, "east": east},
        "identity": row.identity,
    }
