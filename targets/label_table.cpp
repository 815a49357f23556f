#include "targets/label_table.h"

#include "targets/utf8.h"

namespace echoscan {

tl::expected<void, std::string> check_label(std::string_view text) {
  if (text.size() > kTargetLabelBytesMax)
    return tl::make_unexpected("the label has " + std::to_string(text.size()) + " bytes; at most " +
                               std::to_string(kTargetLabelBytesMax) + " are allowed");
  while (!text.empty()) {
    const std::size_t bytes = utf8_bytes(text);
    if (bytes == 0) return tl::make_unexpected("the label is not UTF-8");
    if (is_control(text.substr(0, bytes)))
      return tl::make_unexpected("the label has a control character");
    text.remove_prefix(bytes);
  }
  return {};
}

}  // namespace echoscan
