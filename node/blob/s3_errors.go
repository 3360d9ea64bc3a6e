package blob

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/minio/minio-go/v7"

	"github.com/recto-edge/recto/node/doc"
)

// s3Errors turns what the server and the network say into coded errors that tell
// the operator which line of the configuration to look at. It never shows the
// secret key.
type s3Errors struct{ cfg S3Config }

// of gives the coded error of err about key; nil stays nil.
func (e s3Errors) of(key string, err error) error {
	var coded *doc.Error
	if err == nil || errors.As(err, &coded) || errors.Is(err, context.Canceled) {
		return err
	}
	var resp minio.ErrorResponse
	if errors.As(err, &resp) {
		return e.answered(key, resp, err)
	}
	var unknown x509.UnknownAuthorityError
	var wrongHost x509.HostnameError
	if errors.As(err, &unknown) || errors.As(err, &wrongHost) {
		return &doc.Error{Code: doc.Unavailable, Err: err,
			Message: fmt.Sprintf("the object store at %s shows a certificate that is not trusted: check blob.s3.endpoint and blob.s3.ca_file", e.cfg.Endpoint)}
	}
	var netErr net.Error
	var urlErr *url.Error
	if errors.As(err, &netErr) || errors.As(err, &urlErr) || errors.Is(err, context.DeadlineExceeded) {
		return e.gone(err)
	}
	return fmt.Errorf("object store: %w", err)
}

// answered is of for an answer of the server.
func (e s3Errors) answered(key string, resp minio.ErrorResponse, err error) error {
	coded := func(code doc.Code, format string, args ...any) error {
		return &doc.Error{Code: code, Message: fmt.Sprintf(format, args...), Err: err}
	}
	switch resp.Code {
	case minio.NoSuchKey, minio.NoSuchVersion:
		return coded(doc.NotFound, "no object %s", key)
	case minio.NoSuchBucket:
		return e.noBucket(err)
	case minio.InvalidAccessKeyID:
		return coded(doc.Unavailable, "the object store at %s does not know the key id %q: check blob.s3.access_key", e.cfg.Endpoint, e.cfg.AccessKey)
	case minio.SignatureDoesNotMatch:
		return coded(doc.Unavailable, "the object store at %s does not accept the secret of key id %q: check blob.s3.secret_key", e.cfg.Endpoint, e.cfg.AccessKey)
	case minio.AccessDenied, minio.AllAccessDisabled:
		return coded(doc.Unavailable, "the object store at %s denies key id %q access to bucket %q: check blob.s3.access_key, blob.s3.secret_key and the key's policy (it needs to get, put, delete and list)", e.cfg.Endpoint, e.cfg.AccessKey, e.cfg.Bucket)
	case minio.RequestTimeTooSkewed:
		return coded(doc.Unavailable, "the clocks of this machine and of the object store at %s differ too much: set them", e.cfg.Endpoint)
	case minio.AuthorizationHeaderMalformed, minio.InvalidRegion:
		return coded(doc.Unavailable, "the object store at %s expects another region than %q: check blob.s3.region", e.cfg.Endpoint, e.cfg.Region)
	case "QuotaExceeded", "XMinioAdminBucketQuotaExceeded", "XMinioStorageFull", "InsufficientStorage":
		return coded(doc.Full, "no room left in bucket %q of the object store at %s; nothing was kept", e.cfg.Bucket, e.cfg.Endpoint)
	}
	switch {
	case resp.StatusCode == http.StatusInsufficientStorage,
		// MinIO whose disk fills up under a write has no better code for it.
		resp.Code == minio.InternalError && strings.Contains(resp.Message, "no space left on device"):
		return coded(doc.Full, "no room left in bucket %q of the object store at %s; nothing was kept", e.cfg.Bucket, e.cfg.Endpoint)
	case resp.StatusCode == 404 && key != "":
		return coded(doc.NotFound, "no object %s", key)
	case resp.StatusCode == 403:
		return coded(doc.Unavailable, "the object store at %s refuses key id %q: check blob.s3.access_key and blob.s3.secret_key", e.cfg.Endpoint, e.cfg.AccessKey)
	case resp.StatusCode >= 500, resp.StatusCode == 429, resp.StatusCode == 408:
		return coded(doc.Unavailable, "the object store at %s cannot serve right now (%s): repeat later, and look into its log if that stays", e.cfg.Endpoint, resp.Code)
	case resp.StatusCode == 0:
		return e.gone(err)
	}
	return fmt.Errorf("object store: %s: %w", resp.Code, err)
}

func (e s3Errors) gone(err error) error {
	return &doc.Error{Code: doc.Unavailable, Err: err,
		Message: fmt.Sprintf("the object store at %s does not answer: check that it runs, blob.s3.endpoint, and whether blob.s3.plain_http fits", e.cfg.Endpoint)}
}

func (e s3Errors) noBucket(err error) error {
	return &doc.Error{Code: doc.Unavailable, Err: err,
		Message: fmt.Sprintf("bucket %q is missing on the object store at %s: make it, or set blob.s3.create", e.cfg.Bucket, e.cfg.Endpoint)}
}
