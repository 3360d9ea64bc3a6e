// Package wasmcode owns the machine code that wazero makes of the engines'
// WebAssembly modules. Compiling takes seconds and hundreds of megabytes, so the
// build does it ahead (Write), the program carries the result for the platform it
// was built on (Find), and the first start unpacks it (Load). A program without
// it, or on a processor that code is not for, compiles, and keeps what it compiled.
//
// It guarantees that no machine code runs whose SHA-256 did not come with the
// program or was noted when it was compiled here, and that a folder or a pack that
// cannot be used costs time, never a start. It knows no engine, and its files hold
// nothing that cannot be made again.
package wasmcode

import (
	"context"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// Load calls start with a configuration whose compilation cache finds the machine
// code of p (nil: none), or what was compiled before, in dir; start adds what else
// it wants to it, makes a runtime and compiles its module there. dir belongs to one
// module alone; empty, or when it cannot be used: code is unpacked to a temporary
// folder for the time of the start, or compiled in memory.
//
// Should start fail, it is called once more, to compile in memory: it must leave
// nothing behind when it fails. The release that Load gives is to be called once,
// after the runtime was closed; it is never nil when the error is.
func Load(dir string, p *Pack, start func(wazero.RuntimeConfig) error) (release func() error, err error) {
	f := openFolder(dir, p)
	defer f.close()
	if f.dir != "" {
		if release, err := startIn(f.dir, start); err == nil {
			f.note()
			return release, nil
		}
		// Whatever is wrong with the folder must not keep documents from being read.
		f.clear()
	}
	if err := start(config()); err != nil {
		return nil, err
	}
	return func() error { return nil }, nil
}

func startIn(dir string, start func(wazero.RuntimeConfig) error) (release func() error, err error) {
	cache, err := wazero.NewCompilationCacheWithDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open compilation cache: %w", err)
	}
	release = func() error { return cache.Close(context.Background()) }
	if err := start(config().WithCompilationCache(cache)); err != nil {
		return nil, errors.Join(err, release())
	}
	return release, nil
}

// config is the same for all engines, and for the build. wazero tells code apart by
// its own version, the module, the processor's features and nothing else: the
// features asked for must not vary from one start to another.
func config() wazero.RuntimeConfig {
	return wazero.NewRuntimeConfig().WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesExceptionHandling)
}
