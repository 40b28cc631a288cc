"""OCPP 1.6: payloads to neutral inputs, commands to payloads."""
