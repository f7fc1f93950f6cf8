// A kubelet as far as exec goes, made of the code that kubelets and container runtimes serve it with. Commands run on this
// machine, whatever container they are for. Arguments: files of a certificate and its key. Says on which port it listens.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
	protocols "k8s.io/apimachinery/pkg/util/remotecommand"
	terminal "k8s.io/client-go/tools/remotecommand"
	"k8s.io/kubelet/pkg/cri/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"
)

type machine struct{}

func (machine) ExecInContainer(ctx context.Context, pod string, uid types.UID, container string, words []string, in io.Reader, out, errOut io.WriteCloser, tty bool, resize <-chan terminal.TerminalSize, timeout time.Duration) error {
	command := exec.CommandContext(ctx, words[0], words[1:]...)
	command.Stdout, command.Stderr = out, errOut
	err := command.Run()
	var end *exec.ExitError
	if errors.As(err, &end) {
		return &utilexec.CodeExitError{Err: err, Code: end.ExitCode()}
	}
	return err
}

// Path: /exec/NAMESPACE/POD/CONTAINER
func serveExec(writer http.ResponseWriter, request *http.Request) {
	parts := strings.Split(request.URL.Path, "/")
	options, err := remotecommand.NewOptions(request)
	if err != nil || len(parts) != 5 || parts[1] != "exec" {
		http.Error(writer, fmt.Sprint("cannot exec: ", err), http.StatusBadRequest)
		return
	}
	words := request.URL.Query()["command"]
	remotecommand.ServeExec(writer, request, machine{}, parts[3], "", parts[4], words, options, time.Hour, 30*time.Second, protocols.SupportedStreamingProtocols)
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		fmt.Println("listening on port", listener.Addr().(*net.TCPAddr).Port)
		err = http.ServeTLS(listener, http.HandlerFunc(serveExec), os.Args[1], os.Args[2])
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
