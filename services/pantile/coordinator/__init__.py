"""The coordinator: what submission, dispatch, reconciliation and progress mean, over catalog, objects and queue."""
