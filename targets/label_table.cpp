#include "targets/label_table.h"

#include "targets/utf8.h"

namespace echoscan {

tl::expected<void, std::string> check_label(std::string_view text) {
  while (!text.empty()) {
    const std::size_t bytes = utf8_bytes(text);
    if (bytes == 0) return tl::make_unexpected("the label is not UTF-8");
    if (is_control(text.substr(0, bytes)))
      return tl::make_unexpected("the label has a control character");
    text.remove_prefix(bytes);
  }
  return {};
}

std::string_view cut_label(std::string_view text) {
  if (text.size() <= kTargetLabelBytesMax) return text;
  const std::string_view cut = utf8_prefix(text, kTargetLabelBytesMax);
  return cut.substr(0, cut.find_last_not_of(' ') + 1);
}

}  // namespace echoscan
