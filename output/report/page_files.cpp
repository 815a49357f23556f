#include "output/report/page_files.h"

// The assembler reads the file itself, so that the compiler has no literal of 200 KB to read.
#define EMBED(name, path)                                                     \
  asm(".section .rodata\n" #name "_begin:\n.incbin \"" path "\"\n" #name      \
      "_end:\n.byte 0\n.previous\n");                                         \
  extern "C" __attribute__((visibility("hidden"))) const char name##_begin[]; \
  extern "C" __attribute__((visibility("hidden"))) const char name##_end[];

EMBED(echoscan_page_html, ECHOSCAN_PAGE_FOLDER "/page.html")
EMBED(echoscan_page_css, ECHOSCAN_PAGE_FOLDER "/page.css")
EMBED(echoscan_page_js, ECHOSCAN_PAGE_FOLDER "/page.js")
EMBED(echoscan_page_licences, ECHOSCAN_PAGE_FOLDER "/licences.txt")
EMBED(echoscan_chart_js, ECHOSCAN_CHART_JS)
EMBED(echoscan_leaflet_js, ECHOSCAN_LEAFLET_JS)
EMBED(echoscan_leaflet_css, ECHOSCAN_LEAFLET_CSS)

namespace echoscan {
namespace {

std::string_view between(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

// A debugger would ask for the file that the comment at the end names, and there is none.
std::string_view without_source_map(std::string_view text) {
  const std::size_t named = text.rfind("# sourceMappingURL");
  return named == std::string_view::npos ? text : text.substr(0, named - 2);
}

}  // namespace

PageFiles page_files() {
  return {between(echoscan_page_html_begin, echoscan_page_html_end),
          between(echoscan_page_css_begin, echoscan_page_css_end),
          between(echoscan_page_js_begin, echoscan_page_js_end),
          between(echoscan_page_licences_begin, echoscan_page_licences_end),
          without_source_map(between(echoscan_chart_js_begin, echoscan_chart_js_end)),
          without_source_map(between(echoscan_leaflet_js_begin, echoscan_leaflet_js_end)),
          without_source_map(between(echoscan_leaflet_css_begin, echoscan_leaflet_css_end))};
}

}  // namespace echoscan
