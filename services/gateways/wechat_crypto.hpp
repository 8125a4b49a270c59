// Signatures and encryption of what WeChat and WeCom post to us and what we answer (安全模式): AES-256-CBC,
// key from the EncodingAESKey, IV its first 16 bytes, plain text 16 random bytes, length (32 bits,
// big-endian), message, receive id, padded to blocks of 32. Pure. Source: developers.weixin.qq.com,
// 消息加解密说明; developer.work.weixin.qq.com, 加解密方案说明.
#pragma once

#include "common/base/error.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace zhida::gateways {

// SHA-1, hex, of the parts sorted by their bytes and joined: of token, timestamp, nonce (signature), or of
// these and the encrypted text (msg_signature).
std::string callback_signature(std::vector<std::string_view> parts);

class callback_cipher {
  public:
    // encoding_aes_key: 43 characters of base64, of which the last may have bits that no byte uses, as those
    // of the vendor's samples have. receive_id: appid or corpid. invalid: another length, or other
    // characters.
    static result<callback_cipher> of(std::string_view encoding_aes_key, std::string receive_id);

    // The message in `encrypted` (base64). invalid: not encrypted with this key, damaged, or for another
    // receive id; the failure does not tell these apart to who posts.
    result<std::string> open(std::string_view encrypted) const;
    // base64. random16: 16 bytes, new ones for each message.
    std::string seal(std::string_view message, std::string_view random16) const;

  private:
    callback_cipher() = default;
    std::string key_, receive_id_;
};

} // namespace zhida::gateways
