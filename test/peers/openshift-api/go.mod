module stowage.dev/test/peers/openshift-api

go 1.25.8

// Only read, never built: a test takes the definition of SecurityContextConstraints out of payload-manifests/crds.
require github.com/openshift/api v0.0.0-20251015095338-264e80a2b6e7
