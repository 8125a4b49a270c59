// SMSGate (com.chinamobile.cmos:sms-core), a CMPP implementation that is not ours, as a gateway or as an SP:
//   server USER SECRET 2.0|3.0         listens on a free port; answers and reports each SUBMIT
//   client PORT USER SECRET 2.0|3.0    logs in
// Each line on standard output is something that happened, each line on standard input something to do:
//   server  mo PHONE TEXT | active_test | terminate
//   client  submit PHONE TEXT | active_test | terminate
// It ends with its standard input.
import com.zx.sms.BaseMessage;
import com.zx.sms.codec.cmpp.msg.*;
import com.zx.sms.common.util.ChannelUtil;
import com.zx.sms.common.util.MsgId;
import com.zx.sms.connect.manager.EndpointEntity;
import com.zx.sms.connect.manager.EndpointManager;
import com.zx.sms.connect.manager.cmpp.*;
import com.zx.sms.handler.api.AbstractBusinessHandler;
import com.zx.sms.handler.api.BusinessHandlerInterface;
import com.zx.sms.session.cmpp.SessionState;
import io.netty.channel.ChannelHandlerContext;
import io.netty.util.concurrent.Promise;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

public class Smsgate {
    static final PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    static synchronized void say(Object... words) {
        StringBuilder line = new StringBuilder();
        for (Object w : words) line.append(line.length() == 0 ? "" : " ").append(w);
        out.println(line);
    }

    public static void main(String[] args) throws Exception {
        boolean server = args[0].equals("server");
        int at = server ? 1 : 2;
        CMPPEndpointEntity account = server ? new CMPPServerChildEndpointEntity() : new CMPPClientEndpointEntity();
        account.setId("account");
        account.setChartset(StandardCharsets.UTF_8);
        account.setUserName(args[at]);
        account.setMsgSrc(args[at]);
        account.setPassword(args[at + 1]);
        account.setVersion((short) (args[at + 2].equals("2.0") ? 0x20 : 0x30));
        account.setValid(true);
        account.setMaxChannels((short) (server ? 4 : 1));
        account.setRetryWaitTimeSec((short) 30);
        account.setMaxRetryCnt((short) 1);
        List<BusinessHandlerInterface> handlers = new ArrayList<>();
        handlers.add(new Handler());
        account.setBusinessHandlerSet(handlers);
        if (server) {
            CMPPServerEndpointEntity gateway = new CMPPServerEndpointEntity();
            gateway.setId("gateway");
            gateway.setHost("127.0.0.1");
            gateway.setPort(0);
            gateway.setValid(true);
            gateway.addchild(account);
            InetSocketAddress where =
                    (InetSocketAddress) gateway.getSingletonConnector().open().channel().localAddress();
            say("listening", where.getPort());
        } else {
            account.setHost("127.0.0.1");
            account.setPort(Integer.parseInt(args[1]));
            account.setWindow(16);
            EndpointManager.INS.openEndpoint(account);
        }
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.split(" ", 3);
            if (words[0].equals("mo")) ChannelUtil.asyncWriteToEntity("account", written(words[1], words[2]));
            if (words[0].equals("submit")) {
                ChannelUtil.asyncWriteToEntity("account", message(account.getUserName(), words[1], words[2]));
            }
            if (words[0].equals("active_test")) ask(new CmppActiveTestRequestMessage(), "active_test_resp");
            if (words[0].equals("terminate")) ask(new CmppTerminateRequestMessage(), "terminate_resp");
        }
        System.exit(0);
    }

    static void ask(BaseMessage request, String answered) throws Exception {
        Promise<BaseMessage> answer = ChannelUtil.syncWriteBinaryMsgToEntity("account", request);
        if (answer == null) {
            say("not_connected");
            return;
        }
        answer.addListener(f -> say(f.isSuccess() ? answered : "unanswered"));
    }

    static CmppDeliverRequestMessage written(String phone, String text) {
        CmppDeliverRequestMessage d = new CmppDeliverRequestMessage();
        d.setMsgId(new MsgId());
        d.setDestId("10690000");
        d.setSrcterminalId(phone);
        d.setMsgContent(text);
        return d;
    }

    static CmppSubmitRequestMessage message(String user, String phone, String text) {
        CmppSubmitRequestMessage s = new CmppSubmitRequestMessage();
        s.setMsgsrc(user);
        s.setSrcId("10690000");
        s.setServiceId("PEER");
        s.setDestterminalId(phone);
        s.setRegisteredDelivery((short) 1);
        s.setMsgContent(text);
        return s;
    }

    public static class Handler extends AbstractBusinessHandler {
        @Override
        public String name() {
            return "tests";
        }

        @Override
        public void userEventTriggered(ChannelHandlerContext ctx, Object event) throws Exception {
            if (event == SessionState.Connect) say("login");
            ctx.fireUserEventTriggered(event);
        }

        @Override
        public void channelInactive(ChannelHandlerContext ctx) throws Exception {
            say("closed");
            ctx.fireChannelInactive();
        }

        @Override
        public void channelRead(ChannelHandlerContext ctx, Object m) throws Exception {
            if (m instanceof CmppSubmitRequestMessage) {
                submitted(ctx, (CmppSubmitRequestMessage) m);
            } else if (m instanceof CmppSubmitResponseMessage) {
                CmppSubmitResponseMessage r = (CmppSubmitResponseMessage) m;
                say("submit_resp", r.getMsgId().toHexString(true), r.getResult());
            } else if (m instanceof CmppDeliverRequestMessage) {
                delivered(ctx, (CmppDeliverRequestMessage) m);
            } else if (m instanceof CmppDeliverResponseMessage) {
                say("deliver_resp", ((CmppDeliverResponseMessage) m).getResult());
            } else {
                ctx.fireChannelRead(m);
            }
        }

        // A long text comes as one message with the other parts in it; each has its own answer and report.
        void submitted(ChannelHandlerContext ctx, CmppSubmitRequestMessage whole) {
            List<CmppSubmitRequestMessage> parts = new ArrayList<>();
            if (whole.getFragments() != null) parts.addAll(whole.getFragments());
            parts.add(whole);
            String phone = whole.getDestterminalId()[0];
            say("submit", phone, whole.getSrcId(), parts.size(), whole.getMsgContent());
            for (CmppSubmitRequestMessage part : parts) {
                CmppSubmitResponseMessage answer = new CmppSubmitResponseMessage(part.getHeader().getSequenceId());
                ctx.channel().writeAndFlush(answer);
                CmppReportRequestMessage report = new CmppReportRequestMessage();
                report.setMsgId(answer.getMsgId());
                report.setDestterminalId(phone);
                report.setStat("DELIVRD");
                CmppDeliverRequestMessage d = new CmppDeliverRequestMessage();
                d.setDestId(whole.getSrcId());
                d.setSrcterminalId(phone);
                d.setReportRequestMessage(report);
                ctx.executor().schedule(() -> ctx.channel().writeAndFlush(d), 20, TimeUnit.MILLISECONDS);
            }
        }

        void delivered(ChannelHandlerContext ctx, CmppDeliverRequestMessage whole) {
            List<CmppDeliverRequestMessage> parts = new ArrayList<>();
            if (whole.getFragments() != null) parts.addAll(whole.getFragments());
            parts.add(whole);
            for (CmppDeliverRequestMessage part : parts) {
                CmppDeliverResponseMessage answer = new CmppDeliverResponseMessage(part.getHeader().getSequenceId());
                answer.setMsgId(part.getMsgId());
                ctx.channel().writeAndFlush(answer);
            }
            CmppReportRequestMessage r = whole.getReportRequestMessage();
            if (r != null) say("report", r.getMsgId().toHexString(true), r.getStat(), r.getDestterminalId());
            else say("mo", whole.getSrcterminalId(), whole.getDestId(), parts.size(), whole.getMsgContent());
        }
    }
}
