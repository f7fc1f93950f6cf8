module stowage.dev/test/peers/velero

go 1.25.8

// Pins the module, which is then built as its own main module: its go.sum vouches for the kopia that it replaces.
require github.com/vmware-tanzu/velero v1.16.2
