module stowage.dev/test/peers/velero-crds

go 1.25.8

// Pins the module, which is then built as its own main module. Tests read the resource definitions out of config/crd/v1.
require github.com/vmware-tanzu/velero v1.14.0
