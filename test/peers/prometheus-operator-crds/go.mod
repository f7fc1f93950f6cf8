module stowage.dev/test/peers/prometheus-operator-crds

go 1.25.8

// Only read, never built: a test takes the resource definitions out of example/prometheus-operator-crd.
require github.com/prometheus-operator/prometheus-operator v0.85.0
