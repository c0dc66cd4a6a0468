"""What passes over a bus, made visible: metrics, traces, a tap and a check-up."""
