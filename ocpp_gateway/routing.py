"""The gateway's ASGI application, which `csms.asgi` mounts at `/ocpp`."""

from ocpp_gateway.consumer import OcppConsumer

charger = OcppConsumer.as_asgi()
