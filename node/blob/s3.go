package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/recto-edge/recto/embedded/durable"
	"github.com/recto-edge/recto/node/doc"
)

// S3Config says where a bucket is and who asks for it.
type S3Config struct {
	Endpoint  string // host or host:port, without a scheme
	Bucket    string
	Prefix    string // put before every key; empty or ending in a slash
	Region    string // empty: asked from the server
	AccessKey string // key id
	SecretKey string
	PlainHTTP bool   // no TLS
	CAFile    string // PEM certificates to trust besides the system's; empty: none
	PathStyle bool   // bucket in the path, not in the host name: MinIO and most others; by default guessed from the endpoint
	Create    bool   // make the bucket when it is missing
	Spool     string // folder of this machine for bytes on their way
}

// S3 is a Store in a bucket of S3 or a server that speaks its protocol.
type S3 struct {
	c      *minio.Client
	cfg    S3Config
	codes  s3Errors
	bucket string
}

// Bounds of one conversation with the server. A dead one must be found out
// before the sender gives up, and what is missed now is repeated by its caller.
const (
	s3Retries     = 3
	s3DialTimeout = 5 * time.Second
	s3HeadTimeout = 30 * time.Second // from the end of a request to the answer's header
	s3PartSize    = 16 << 20
)

// NewS3 makes the store without asking the server anything; Check does that.
func NewS3(cfg S3Config) (*S3, error) {
	if cfg.Endpoint == "" || cfg.Bucket == "" || strings.Contains(cfg.Endpoint, "/") {
		return nil, doc.Errorf(doc.Invalid, "blob store s3: endpoint must be host:port and bucket a name, not %q and %q", cfg.Endpoint, cfg.Bucket)
	}
	if cfg.Prefix != "" && !strings.HasSuffix(cfg.Prefix, "/") {
		cfg.Prefix += "/"
	}
	if err := checkPrefix(cfg.Prefix); err != nil {
		return nil, fmt.Errorf("blob store s3: prefix: %w", err)
	}
	if err := durable.MkdirAll(cfg.Spool); err != nil {
		return nil, fmt.Errorf("blob store s3: make spool folder: %w", err)
	}
	transport, err := s3Transport(cfg)
	if err != nil {
		return nil, fmt.Errorf("blob store s3: %w", err)
	}
	opts := &minio.Options{
		Creds:  credentials.NewStaticV4(cfg.AccessKey, cfg.SecretKey, ""),
		Secure: !cfg.PlainHTTP, Region: cfg.Region, Transport: transport, MaxRetries: s3Retries,
	}
	if cfg.PathStyle {
		opts.BucketLookup = minio.BucketLookupPath
	}
	c, err := minio.New(cfg.Endpoint, opts)
	if err != nil {
		return nil, fmt.Errorf("blob store s3: %w", err)
	}
	return &S3{c: c, cfg: cfg, bucket: cfg.Bucket, codes: s3Errors{cfg}}, nil
}

func s3Transport(cfg S3Config) (*http.Transport, error) {
	tr, err := minio.DefaultTransport(!cfg.PlainHTTP)
	if err != nil {
		return nil, err
	}
	tr.DialContext = (&net.Dialer{Timeout: s3DialTimeout}).DialContext
	tr.ResponseHeaderTimeout = s3HeadTimeout
	if cfg.CAFile == "" {
		return tr, nil
	}
	pem, err := os.ReadFile(cfg.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read CA file: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, doc.Errorf(doc.Invalid, "CA file %s holds no PEM certificate", cfg.CAFile)
	}
	if tr.TLSClientConfig == nil {
		tr.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	tr.TLSClientConfig.RootCAs = pool
	return tr, nil
}

// Prepare looks for the bucket and makes it when it is missing and Create is set.
func (s *S3) Prepare(ctx context.Context) error {
	ok, err := s.c.BucketExists(ctx, s.bucket)
	if err == nil && !ok {
		if !s.cfg.Create {
			return s.codes.noBucket(nil)
		}
		err = s.c.MakeBucket(ctx, s.bucket, minio.MakeBucketOptions{Region: s.cfg.Region})
		if code := minio.ToErrorResponse(err).Code; code == minio.BucketAlreadyOwnedByYou {
			err = nil // another member was first
		}
	}
	if err != nil {
		return fmt.Errorf("prepare bucket: %w", s.codes.of("", err))
	}
	return nil
}

// Ingest implements Store. The bytes wait in a file of this machine until their
// hash, and so their key, is known.
func (s *S3) Ingest(ctx context.Context, r io.Reader, limit int64) (sum [sha256.Size]byte, size int64, existed bool, err error) {
	tmp, err := newSpoolFile(s.cfg.Spool)
	if err != nil {
		return sum, 0, false, fmt.Errorf("ingest: %w", err)
	}
	defer tmp.Close()
	sum, size, err = spool(ctx, tmp, r, limit)
	if err != nil {
		return sum, size, false, fmt.Errorf("ingest: %w", fileError(err))
	}
	existed, err = s.keep(ctx, sum, tmp, size)
	if err != nil {
		return sum, size, false, fmt.Errorf("ingest: %w", err)
	}
	return sum, size, existed, nil
}

// keep keeps an original whose hash is known.
func (s *S3) keep(ctx context.Context, sum [sha256.Size]byte, body io.ReaderAt, size int64) (existed bool, err error) {
	key := OriginalKey(sum)
	info, err := s.Stat(ctx, key)
	if err == nil && info.Size == size {
		return true, nil
	}
	if err != nil && doc.CodeOf(err) != doc.NotFound {
		return false, err
	}
	opts := minio.PutObjectOptions{ContentType: "application/octet-stream", PartSize: s3PartSize, NumThreads: 2}
	if size < s3PartSize { // the server compares what arrived, in one piece or in parts
		opts.UserMetadata = map[string]string{"X-Amz-Checksum-Sha256": base64.StdEncoding.EncodeToString(sum[:])}
	} else {
		opts.SendContentMd5 = true
	}
	up, err := s.c.PutObject(ctx, s.bucket, s.cfg.Prefix+key, io.NewSectionReader(body, 0, size), size, opts)
	if err != nil {
		return false, s.codes.of(key, err)
	}
	if up.Size != size {
		return false, doc.Errorf(doc.Unavailable, "the object store kept %d of %d bytes; repeat the delivery", up.Size, size)
	}
	return false, nil
}

// Put implements Store.
func (s *S3) Put(ctx context.Context, key string, r io.Reader, size int64) error {
	if err := checkKey(key); err != nil {
		return err
	}
	body, err := readExactly(ctx, key, r, size)
	if err != nil {
		return err
	}
	if err := checkName(key, sha256.Sum256(body)); err != nil {
		return err
	}
	opts := minio.PutObjectOptions{ContentType: "application/octet-stream"}
	opts.SetMatchETagExcept("*") // only if there is none
	_, err = s.c.PutObject(ctx, s.bucket, s.cfg.Prefix+key, bytes.NewReader(body), size, opts)
	if minio.ToErrorResponse(err).Code == minio.PreconditionFailed {
		old, err := ReadAll(ctx, s, key, max(size, 1<<20))
		if errors.Is(err, ErrDamaged) { // and these bytes are those of the key
			_, err = s.c.PutObject(ctx, s.bucket, s.cfg.Prefix+key, bytes.NewReader(body), size, minio.PutObjectOptions{ContentType: "application/octet-stream"})
			return s.codes.of(key, err)
		}
		if err != nil {
			return fmt.Errorf("put %s: compare with what is there: %w", key, err)
		}
		if !bytes.Equal(old, body) {
			return conflict(key)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("put %s: %w", key, s.codes.of(key, err))
	}
	return nil
}

// Open implements Store: the object is brought here whole, since what reads it
// jumps about in it.
func (s *S3) Open(ctx context.Context, key string) (File, error) {
	return s.open(ctx, key, func() {})
}

// open is Open that calls moved whenever bytes came.
func (s *S3) open(ctx context.Context, key string, moved func()) (File, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	obj, err := s.c.GetObject(ctx, s.bucket, s.cfg.Prefix+key, minio.GetObjectOptions{})
	if err != nil {
		return nil, s.codes.of(key, err)
	}
	defer obj.Close()
	tmp, err := newSpoolFile(s.cfg.Spool)
	if err != nil {
		return nil, fmt.Errorf("open object %s: %w", key, err)
	}
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(tmp, h), readerFunc(func(b []byte) (int, error) {
		defer moved()
		return obj.Read(b)
	}))
	if err != nil {
		return nil, errors.Join(s.codes.of(key, fileError(err)), tmp.Close())
	}
	if want, ok := digestOf(key); ok {
		if err := checkDigest(key, want, h); err != nil {
			return nil, errors.Join(err, tmp.Close())
		}
	}
	tmp.size = n
	return tmp, nil
}

// Stat implements Store.
func (s *S3) Stat(ctx context.Context, key string) (Info, error) {
	if err := checkKey(key); err != nil {
		return Info{}, err
	}
	info, err := s.c.StatObject(ctx, s.bucket, s.cfg.Prefix+key, minio.StatObjectOptions{})
	if err != nil {
		return Info{}, s.codes.of(key, err)
	}
	return Info{Key: key, Size: info.Size, Modified: info.LastModified}, nil
}

// Delete implements Store.
func (s *S3) Delete(ctx context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	err := s.codes.of(key, s.c.RemoveObject(ctx, s.bucket, s.cfg.Prefix+key, minio.RemoveObjectOptions{}))
	if doc.CodeOf(err) == doc.NotFound {
		return nil
	}
	return err
}

// List implements Store.
func (s *S3) List(ctx context.Context, prefix, after string, fn func(Info) error) error {
	if err := checkPrefix(prefix); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the client's listing when fn does
	opts := minio.ListObjectsOptions{Prefix: s.cfg.Prefix + prefix, Recursive: true}
	if after != "" {
		opts.StartAfter = s.cfg.Prefix + after
	}
	for o := range s.c.ListObjectsIter(ctx, s.bucket, opts) {
		if o.Err != nil {
			return fmt.Errorf("list objects: %w", s.codes.of("", o.Err))
		}
		key := strings.TrimPrefix(o.Key, s.cfg.Prefix)
		if checkKey(key) != nil {
			continue // not ours
		}
		err := fn(Info{Key: key, Size: o.Size, Modified: o.LastModified})
		if errors.Is(err, Stop) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}
