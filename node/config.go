package node

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/BurntSushi/toml"

	"github.com/recto-edge/recto/node/extract/ocr"
)

// Config is the node's file: what needs a restart to change. Everything that
// members must agree on lives in the control plane instead.
type Config struct {
	// Data is the folder that holds everything the node keeps. One node a folder.
	Data string `toml:"data"`
	// Listen is the address of API and UI. On a loopback address plain HTTP is
	// spoken; on any other TLS, unless PlainHTTP says otherwise.
	Listen string `toml:"listen"`
	// PlainHTTP allows HTTP without TLS on an address that others can reach.
	PlainHTTP bool `toml:"plain_http"`
	// TLSCert and TLSKey are the site's certificate and key (PEM files). Empty on
	// an address that needs TLS: the node makes its own certificate.
	TLSCert string `toml:"tls_cert"`
	TLSKey  string `toml:"tls_key"`
	// Workers is how many documents are read at the same time. 0: one a core, and
	// fewer where memory is short.
	Workers int `toml:"workers"`
	// DrainTimeout is how long a stop waits for documents being read.
	DrainTimeout time.Duration `toml:"drain_timeout"`

	Log     LogConfig      `toml:"log"`
	Limits  LimitsConfig   `toml:"limits"`
	Blob    BlobConfig     `toml:"blob"`
	Cache   CacheConfig    `toml:"cache"`
	Learn   LearnConfig    `toml:"learn"`
	Reading ReadingConfig  `toml:"reading"`
	Cluster ClusterConfig  `toml:"cluster"`
	Folder  []FolderConfig `toml:"folder"`
}

// LogConfig says how the node logs, to standard error.
type LogConfig struct {
	Format string `toml:"format"` // text or json
	Level  string `toml:"level"`  // debug, info, warn or error
}

// LimitsConfig bounds what one file may cost.
type LimitsConfig struct {
	MaxBytes    int64         `toml:"max_bytes"`    // of one file
	MaxPages    int           `toml:"max_pages"`    // of one document
	MaxPixels   int           `toml:"max_pixels"`   // of one page
	PageTimeout time.Duration `toml:"page_timeout"` // to decode one page
	FileTimeout time.Duration `toml:"file_timeout"` // to read one document
	MinFree     int64         `toml:"min_free"`     // bytes of disk intake leaves untouched
}

// BlobConfig chooses where originals and records are kept.
type BlobConfig struct {
	Kind string   `toml:"kind"` // files or s3
	S3   S3Config `toml:"s3"`
}

// S3Config reaches a bucket on S3 or MinIO.
type S3Config struct {
	Endpoint  string `toml:"endpoint"` // host:port
	Bucket    string `toml:"bucket"`
	Prefix    string `toml:"prefix"`
	Region    string `toml:"region"`
	AccessKey string `toml:"access_key"`
	// SecretKey may be left empty and given in the environment as RECTO_S3_SECRET_KEY.
	SecretKey string `toml:"secret_key"`
	PlainHTTP bool   `toml:"plain_http"`
	CAFile    string `toml:"ca_file"`
	Create    bool   `toml:"create"` // make the bucket when it is missing
}

// CacheConfig bounds derived data on disk.
type CacheConfig struct {
	MaxBytes int64 `toml:"max_bytes"`
}

// ReadingConfig says what pictures of pages are expected to hold.
type ReadingConfig struct {
	// Languages are codes (ISO 639-1: de, en, fr) of the languages that the site's
	// documents are written in: of marked letters (ä, ç, ž) theirs are expected, and
	// others only where they are clear beyond doubt. None: each page decides for itself.
	Languages []string `toml:"languages"`
}

// LearnConfig says when reviews are learned from in the background.
type LearnConfig struct {
	After int           `toml:"after"` // reviews of a type
	Quiet time.Duration `toml:"quiet"` // after the first review of fewer
}

// FolderConfig is one watched folder.
type FolderConfig struct {
	Path    string        `toml:"path"`
	Type    string        `toml:"type"`    // document type of what arrives here; empty: recognise
	Quiet   time.Duration `toml:"quiet"`   // a file must not have changed for this long
	Delete  bool          `toml:"delete"`  // delete accepted files instead of moving them to done/
	Polling bool          `toml:"polling"` // for network file systems that send no events
	Batch   bool          `toml:"batch"`   // read after everything else
}

// Default is the configuration of a node that was told nothing.
func Default() Config {
	return Config{
		Data:         "recto-data",
		Listen:       "127.0.0.1:8420",
		DrainTimeout: 20 * time.Second,
		Log:          LogConfig{Format: "text", Level: "info"},
		Limits: LimitsConfig{
			MaxBytes: 512 << 20, MaxPages: 2000, MaxPixels: 50_000_000,
			PageTimeout: 30 * time.Second, FileTimeout: 10 * time.Minute, MinFree: 256 << 20,
		},
		Blob:  BlobConfig{Kind: "files"},
		Cache: CacheConfig{MaxBytes: 2 << 30},
		Learn: LearnConfig{After: 5, Quiet: 10 * time.Minute},
	}
}

// Load reads a TOML file over the defaults. Unknown keys are errors, so that a
// misspelt limit is not silently the default.
func Load(path string) (Config, error) {
	c := Default()
	md, err := toml.DecodeFile(path, &c)
	if err != nil {
		return Config{}, fmt.Errorf("read configuration %s: %w", path, err)
	}
	if bad := md.Undecoded(); len(bad) > 0 {
		return Config{}, fmt.Errorf("configuration %s: unknown key %q", path, bad[0].String())
	}
	return c, c.Validate()
}

// Validate says what is wrong; the message starts with the key as the operator
// wrote it.
func (c Config) Validate() error {
	host, _, err := net.SplitHostPort(c.Listen)
	switch {
	case c.Data == "":
		return fmt.Errorf("data: name a folder")
	case err != nil:
		return fmt.Errorf("listen: %q is not host:port", c.Listen)
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return fmt.Errorf("tls_cert and tls_key: give both or neither")
	case c.Workers < 0:
		return fmt.Errorf("workers: %d is negative", c.Workers)
	case !slices.Contains([]string{"text", "json"}, c.Log.Format):
		return fmt.Errorf("log.format: %q is neither text nor json", c.Log.Format)
	case !slices.Contains([]string{"debug", "info", "warn", "error"}, c.Log.Level):
		return fmt.Errorf("log.level: %q is none of debug, info, warn, error", c.Log.Level)
	case c.Limits.MaxBytes <= 0 || c.Limits.MaxPages <= 0 || c.Limits.MaxPixels <= 0:
		return fmt.Errorf("limits: max_bytes, max_pages and max_pixels must be positive")
	case c.Limits.PageTimeout <= 0 || c.Limits.FileTimeout <= 0:
		return fmt.Errorf("limits: page_timeout and file_timeout must be positive")
	case c.Learn.After <= 0 || c.Learn.Quiet <= 0:
		return fmt.Errorf("learn: after and quiet must be positive")
	case ocr.CheckLanguages(c.Reading.Languages) != nil:
		return fmt.Errorf("reading.languages: %w", ocr.CheckLanguages(c.Reading.Languages))
	case c.Blob.Kind != "files" && c.Blob.Kind != "s3":
		return fmt.Errorf("blob.kind: %q is neither files nor s3", c.Blob.Kind)
	case c.Blob.Kind == "s3" && (c.Blob.S3.Endpoint == "" || c.Blob.S3.Bucket == ""):
		return fmt.Errorf("blob.s3: endpoint and bucket are needed")
	}
	if err := c.Cluster.validate(); err != nil {
		return err
	}
	for _, f := range c.Folder {
		if !filepath.IsAbs(f.Path) {
			return fmt.Errorf("folder.path: %q is not absolute", f.Path)
		}
		if within, err := filepath.Rel(c.Data, f.Path); err == nil && within != ".." && !strings.HasPrefix(within, "../") && filepath.IsAbs(c.Data) {
			return fmt.Errorf("folder.path: %q lies in the data folder", f.Path)
		}
	}
	if c.PlainHTTP && !loopback(host) && c.TLSCert != "" {
		return fmt.Errorf("plain_http: contradicts tls_cert")
	}
	return nil
}

// TLS says whether the node speaks TLS on its address.
func (c Config) TLS() bool {
	if c.TLSCert != "" {
		return true
	}
	host, _, err := net.SplitHostPort(c.Listen)
	return err == nil && !loopback(host) && !c.PlainHTTP
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

func (c Config) workers() int {
	if c.Workers > 0 {
		return c.Workers
	}
	return max(1, min(runtime.NumCPU(), int(totalMemory()/perWorker)))
}

// perWorker is the memory that reading one document at a time may need at its
// worst, in bytes: a large scan with the models loaded.
const perWorker = 512 << 20

// totalMemory gives the machine's memory in bytes.
func totalMemory() uint64 {
	var info syscall.Sysinfo_t
	if syscall.Sysinfo(&info) != nil {
		return 1 << 40 // not known: the cores decide
	}
	return info.Totalram * uint64(info.Unit)
}

// secret gives the S3 secret from the file or the environment.
func (c S3Config) secret() string {
	if c.SecretKey != "" {
		return c.SecretKey
	}
	return os.Getenv("RECTO_S3_SECRET_KEY")
}
