package pdfium

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// run makes the pool of instances. With a folder, wazero takes the machine code
// from there or, when it is not there, compiles and leaves it there; without one
// it compiles in memory.
//
// The build compiles ahead with this function too, see Pack. wazero tells code
// apart by its own version, the module, the processor's features and nothing
// else: the features asked for here must not vary from one engine to another.
func (e *Engine) run(dir string) (err error) {
	rc := wazero.NewRuntimeConfig().
		WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesExceptionHandling).
		WithMemoryLimitPages(e.cfg.MemoryPages)
	if dir != "" {
		cache, err := wazero.NewCompilationCacheWithDir(dir)
		if err != nil {
			return fmt.Errorf("open pdf compilation cache: %w", err)
		}
		rc = rc.WithCompilationCache(cache)
		defer func() {
			if err != nil {
				err = errors.Join(err, cache.Close(context.Background()))
				return
			}
			e.cache = cache
		}()
	}
	pool, err := webassembly.InitWithWASM(webassembly.Config{
		WASM:          module,
		Context:       e.withMemory(context.Background()),
		MaxTotal:      e.cfg.Instances,
		FSConfig:      wazero.NewFSConfig(), // the default would mount the host's root
		RuntimeConfig: rc,
		Stdout:        io.Discard,
		Stderr:        io.Discard,
	})
	if err != nil {
		return fmt.Errorf("start pdf engine: %w", err)
	}
	e.pool = pool
	return nil
}
