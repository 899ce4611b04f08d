"""What crosses the API: the shapes of requests and answers, by subject, shared by the web service and the client."""
