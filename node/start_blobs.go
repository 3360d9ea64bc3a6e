package node

import (
	"context"
	"path/filepath"

	"github.com/recto-edge/recto/node/blob"
)

// openBucket opens the bucket that cfg names.
func openBucket(ctx context.Context, cfg Config) (*blob.S3, error) {
	c := cfg.Blob.S3
	s, err := blob.NewS3(blob.S3Config{
		Endpoint: c.Endpoint, Bucket: c.Bucket, Prefix: c.Prefix, Region: c.Region,
		AccessKey: c.AccessKey, SecretKey: c.secret(), PlainHTTP: c.PlainHTTP, CAFile: c.CAFile,
		Create: c.Create, Spool: filepath.Join(cfg.Data, "spool"),
	})
	if err != nil {
		return nil, err
	}
	return s, s.Prepare(ctx)
}

// startBlobs opens what keeps bytes: this machine's disk, the disks of all
// members over it, and a bucket over these when there is one. A bucket that cannot
// be reached does not end the start: the node says so, and several members' disks
// stand in for it.
func (n *Node) startBlobs(ctx context.Context) error {
	local, err := blob.OpenFiles(filepath.Join(n.cfg.Data, "blobs"))
	if err != nil {
		return err
	}
	if n.local, err = blob.OpenFiles(filepath.Join(n.cfg.Data, "local")); err != nil {
		return err
	}
	n.copies, err = blob.OpenCopies(blob.CopiesConfig{
		Local: local, Self: n.id.Node, Members: n.holders(), Client: n.control.HTTP(), Stored: n.arrived,
		MinFree: n.cfg.Limits.MinFree, Logger: n.log.With("component", "copies"),
	})
	if err != nil {
		return err
	}
	n.onStop("copies", func(context.Context) error { return n.copies.Close() })
	n.store = n.copies
	if n.cfg.Blob.Kind == "s3" {
		bucket, err := openBucket(ctx, n.cfg)
		if bucket == nil {
			return err
		}
		standby := blob.OpenStandby(blob.StandbyConfig{Primary: bucket, Backup: n.copies, Logger: n.log.With("component", "bucket")})
		n.onStop("bucket", func(context.Context) error { return standby.Close() })
		n.store, n.archive = standby, archive{standby}
		n.parts.check(partBlobs, err)
		return nil
	}
	n.archive = archive{n.store}
	n.parts.check(partBlobs, nil)
	return nil
}
