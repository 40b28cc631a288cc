"""Real places around Bangkok where the demo's chargers stand."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    name: str
    name_th: str
    address: str
    district: str
    province: str
    postal_code: str
    latitude: str
    longitude: str


# fmt: off
PLACES = (
    Place(
        "Siam Square", "สยามสแควร์", "Rama I Road", "Pathum Wan", "Bangkok", "10330",
        "13.744680", "100.533510",
    ),
    Place(
        "Lumphini Park", "สวนลุมพินี", "Rama IV Road", "Pathum Wan", "Bangkok", "10330",
        "13.730560", "100.541670",
    ),
    Place(
        "Chatuchak Market", "ตลาดนัดจตุจักร", "Kamphaeng Phet 2 Road", "Chatuchak", "Bangkok",
        "10900", "13.799900", "100.550200",
    ),
    Place(
        "Asok", "อโศก", "Sukhumvit Road", "Watthana", "Bangkok", "10110",
        "13.737090", "100.560410",
    ),
    Place(
        "Bang Na", "บางนา", "Debaratana Road", "Bang Na", "Bangkok", "10260",
        "13.668300", "100.634500",
    ),
    Place(
        "Suvarnabhumi Airport", "ท่าอากาศยานสุวรรณภูมิ", "Bang Phli", "Bang Phli",
        "Samut Prakan", "10540", "13.689990", "100.750110",
    ),
    Place(
        "Don Mueang Airport", "ท่าอากาศยานดอนเมือง", "Vibhavadi Rangsit Road", "Don Mueang",
        "Bangkok", "10210", "13.912600", "100.606800",
    ),
    Place(
        "Nonthaburi Pier", "ท่าน้ำนนทบุรี", "Pracha Rat Road", "Mueang Nonthaburi",
        "Nonthaburi", "11000", "13.845900", "100.491200",
    ),
)
# fmt: on
