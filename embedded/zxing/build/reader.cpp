// The whole interface of zxing.wasm: memory for pixels in, one reading out.
#include "BarcodeFormat.h"
#include "ContentType.h"
#include "ReadBarcode.h"

#include <cstdlib>
#include <cstring>
#include <string>

using namespace ZXing;

#define EXPORT(name) extern "C" __attribute__((export_name(name)))

static std::string out;

static void put(uint32_t v) { out.append(reinterpret_cast<const char*>(&v), 4); }
static void put(std::string_view s)
{
	put(uint32_t(s.size()));
	out.append(s);
}

EXPORT("allocate") void* allocate(uint32_t size) { return std::malloc(size); }

// read looks for codes in 8-bit grey pixels without padding. It gives the
// address of: number of codes, then for each its format, whether its content is
// GS1, its text, and its four corners as x, y; numbers are 32 bits, little
// endian, strings have their length before them. 0 when out of memory. Effort
// is the sum of 1 (look closer), 2 (at turned codes), 4 (at inverted ones).
EXPORT("read") const char* read(const uint8_t* pixels, int32_t width, int32_t height, uint32_t effort, int32_t most)
{
	try {
		ReaderOptions options;
		options.setTryHarder(effort & 1).setTryRotate(effort & 2).setTryInvert(effort & 4).setTryDownscale(true);
		options.setTextMode(TextMode::Plain).setEanAddOnSymbol(EanAddOnSymbol::Read).setMaxNumberOfSymbols(most);
		auto codes = ReadBarcodes(ImageView(pixels, width, height, ImageFormat::Lum), options);
		out.clear();
		put(uint32_t(codes.size()));
		for (auto& code : codes) {
			put(ToString(code.format()));
			put(uint32_t(code.contentType() == ContentType::GS1));
			put(code.text());
			for (auto& p : code.position()) {
				put(uint32_t(p.x));
				put(uint32_t(p.y));
			}
		}
		return out.data();
	} catch (...) {
		return nullptr;
	}
}

// read_size is the length in bytes of what read gave last.
EXPORT("read_size") uint32_t readSize() { return uint32_t(out.size()); }

// There is one thread, and it ends with the instance: nothing to run at its end.
extern "C" int __cxa_thread_atexit(void (*)(void*), void*, void*) { return 0; }
