// What WeCom asks of the body of an application's message and of a robot's. Pure. Source:
// developer.work.weixin.qq.com, 发送应用消息, 群机器人配置说明.
#pragma once

#include "common/base/json.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace zhida::simulator {

struct wecom_refusal {
    std::int64_t errcode = 0; // 0: nothing is wrong
    std::string errmsg;
};

struct wecom_message {
    std::vector<std::string> members; // of an application's; as they were written
    std::string msgtype;
    json content; // the object named like the type
    bool check_duplicate = false;
    std::int64_t duplicate_s = 1800;
};

wecom_refusal read_application_message(const json& body, std::int64_t agentid, wecom_message& out);
wecom_refusal read_robot_message(const json& body, wecom_message& out);

// As invaliduser writes member ids.
std::string lower_case(std::string text);

} // namespace zhida::simulator
