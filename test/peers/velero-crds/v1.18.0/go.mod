module stowage.dev/test/peers/velero-crds

go 1.25.8

// Only read, never built: a test takes the resource definitions out of config/crd/v1.
require github.com/vmware-tanzu/velero v1.18.0
