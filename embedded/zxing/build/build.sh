#!/bin/sh
# Builds ../zxing.wasm from the source of zxing-cpp with the clang that comes
# with zig, both from PyPI by pinned version. Takes some minutes and 2 GB.
#
#   embedded/zxing/build/build.sh [scratch folder]
set -e
here=$(cd "$(dirname "$0")" && pwd)
work=${1:-$(mktemp -d)}
zxing=3.1.1 zig=0.17.1
mkdir -p "$work/o" && cd "$work"
[ -d "zxing_cpp-$zxing" ] || { pip download -q --no-deps --no-binary :all: "zxing-cpp==$zxing" && tar xzf "zxing_cpp-$zxing.tar.gz"; }
[ -d zig ] || pip install -q --target zig "ziglang==$zig"
core=$work/zxing_cpp-$zxing/core/src lib=$work/zig/ziglang/lib zig=$work/zig/ziglang/zig
export ZIG_GLOBAL_CACHE_DIR="$work/cache" ZIG_LOCAL_CACHE_DIR="$work/cache"

# Exceptions as the final WebAssembly standard has them (exnref): zxing-cpp uses
# them for control flow, and wazero runs no other kind.
flags="-ffile-prefix-map=$work=/src -target wasm32-wasi -O2 -g0 -fno-stack-protector
 -mcpu=generic+exception_handling+simd128+bulk_memory+nontrapping_fptoint+sign_ext+mutable_globals+reference_types+multivalue
 -fwasm-exceptions -fexceptions -mexception-handling -mllvm -wasm-enable-eh -mllvm -wasm-use-legacy-eh=false"
abi="-std=c++23 -D_LIBCXXABI_BUILDING_LIBRARY -D_LIBCPP_BUILDING_LIBRARY -D_LIBCXXABI_HAS_NO_THREADS
 -I$lib/libcxxabi/include -I$lib/libcxxabi/src -I$lib/libcxx/src -I$lib/libcxx/include"

# zig builds its C and C++ libraries when it first links.
echo 'int main() { return 0; }' > empty.cpp
"$zig" c++ -target wasm32-wasi -O2 -mexec-model=reactor empty.cpp -o empty.wasm

find "$core" -name '*.cpp' ! -name '*Write*' ! -name '*Encoder*' ! -name ZXingC.cpp ! -name BitMatrixIO.cpp > files.txt
echo "$here/reader.cpp" >> files.txt
xargs -P 2 -I{} sh -c 'o=o/$(basename {} .cpp).o; test -f "$o" || exec "$0" c++ '"$(echo $flags)"' -std=c++20 -DZXING_INTERNAL -I"'"$here"'" -I"'"$core"'" -c {} -o "$o"' "$zig" < files.txt
"$zig" cc $flags -I"$core" -c "$core/libzueci/zueci.c" -o o/zueci.o
for f in cxa_exception cxa_personality cxa_exception_storage; do
	"$zig" c++ $flags $abi -c "$lib/libcxxabi/src/$f.cpp" -o "o/$f.o"
done
"$zig" cc $flags -D_LIBUNWIND_HIDE_SYMBOLS -D_LIBUNWIND_HAS_NO_THREADS -I"$lib/libunwind/include" -I"$lib/libunwind/src" -c "$lib/libunwind/src/Unwind-wasm.c" -o o/unwind.o
"$zig" cc $flags -c "$here/exception_tag.s" -o o/exception_tag.o

# The exception half of libc++abi replaces its stubs: hence the flag.
"$zig" wasm-ld --allow-multiple-definition --gc-sections --strip-all --entry=_initialize --stack-first -z stack-size=1048576 \
	$(find cache -name crt1-reactor.o | head -1) o/*.o \
	$(find cache -name 'libc++.a') $(find cache -name 'libc++abi.a') $(find cache -name libc.a) $(find cache -name libzigc.a) $(find cache -name libcompiler_rt.a) \
	-o "$here/../zxing.wasm"
sha256sum "$here/../zxing.wasm"
