"""When the gateway's tasks run; `csms.celery` collects it."""

from celery.schedules import crontab

BEAT_SCHEDULE = {
    "gateway-release-dead-nodes": {
        "task": "ocpp_gateway.tasks.release_dead_nodes",
        "schedule": 15.0,
        "options": {"expires": 15},
    },
    "gateway-expire-messages": {
        "task": "ocpp_gateway.tasks.expire_messages",
        "schedule": crontab(hour="3", minute="20"),
    },
    "gateway-make-partitions": {
        "task": "ocpp_gateway.tasks.make_partitions",
        "schedule": crontab(hour="2", minute="10"),
    },
}
