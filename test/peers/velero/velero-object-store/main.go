// An object store for the real Velero server, over any S3 server: what its AWS plugin does, without that plugin's module.
// It is compiled inside Velero's own module, whose go.sum vouches for everything that it imports.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/sirupsen/logrus"

	"github.com/vmware-tanzu/velero/pkg/plugin/framework"
)

func main() {
	framework.NewServer().
		RegisterObjectStore("velero.io/aws", func(logrus.FieldLogger) (interface{}, error) { return &store{}, nil }).
		Serve()
}

// One storage location.
type store struct {
	client *minio.Client
}

// Init reads the location's config: s3Url, region, profile, caCert, and where its Secret was written to.
func (s *store) Init(config map[string]string) error {
	address, err := url.Parse(config["s3Url"])
	if err != nil || address.Host == "" {
		return fmt.Errorf("config s3Url %q is not a URL", config["s3Url"])
	}
	file := config["credentialsFile"]
	if file == "" {
		file = os.Getenv("AWS_SHARED_CREDENTIALS_FILE")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if authorities := config["caCert"]; authorities != "" {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM([]byte(authorities)) {
			return fmt.Errorf("config caCert holds no certificate")
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	s.client, err = minio.New(address.Host, &minio.Options{
		Transport:    transport,
		Creds:        credentials.NewFileAWSCredentials(file, config["profile"]),
		Secure:       address.Scheme == "https",
		Region:       config["region"],
		BucketLookup: minio.BucketLookupPath,
	})
	return err
}

func (s *store) PutObject(bucket, key string, body io.Reader) error {
	// Read whole: a stream of unknown length would be sent in parts.
	content, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	reader := strings.NewReader(string(content))
	_, err = s.client.PutObject(context.Background(), bucket, key, reader, int64(len(content)), minio.PutObjectOptions{})
	return err
}

func (s *store) ObjectExists(bucket, key string) (bool, error) {
	_, err := s.client.StatObject(context.Background(), bucket, key, minio.StatObjectOptions{})
	if err == nil {
		return true, nil
	}
	if minio.ToErrorResponse(err).StatusCode == 404 {
		return false, nil
	}
	return false, err
}

func (s *store) GetObject(bucket, key string) (io.ReadCloser, error) {
	return s.client.GetObject(context.Background(), bucket, key, minio.GetObjectOptions{})
}

func (s *store) ListCommonPrefixes(bucket, prefix, delimiter string) ([]string, error) {
	prefixes := []string{}
	for object := range s.client.ListObjects(context.Background(), bucket, minio.ListObjectsOptions{Prefix: prefix}) {
		if object.Err != nil {
			return nil, object.Err
		}
		if strings.HasSuffix(object.Key, delimiter) {
			prefixes = append(prefixes, object.Key)
		}
	}
	return prefixes, nil
}

func (s *store) ListObjects(bucket, prefix string) ([]string, error) {
	keys := []string{}
	options := minio.ListObjectsOptions{Prefix: prefix, Recursive: true}
	for object := range s.client.ListObjects(context.Background(), bucket, options) {
		if object.Err != nil {
			return nil, object.Err
		}
		keys = append(keys, object.Key)
	}
	return keys, nil
}

func (s *store) DeleteObject(bucket, key string) error {
	return s.client.RemoveObject(context.Background(), bucket, key, minio.RemoveObjectOptions{})
}

func (s *store) CreateSignedURL(bucket, key string, ttl time.Duration) (string, error) {
	signed, err := s.client.PresignedGetObject(context.Background(), bucket, key, ttl, nil)
	if err != nil {
		return "", err
	}
	return signed.String(), nil
}
