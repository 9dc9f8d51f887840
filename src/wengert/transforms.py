"""Floor 6: functions made from functions, such as trace, grad and check_gradients."""
