# shellcheck shell=bash
# The steps of `./zhida.sh test`, sourced by zhida.sh. ctest runs what belongs to the build under the address and
# undefined-behaviour sanitizers (build/asan); node's runner starts the released program from outside.
# shellcheck disable=SC2154 # home: set by zhida.sh

ctest_steps=(format shell tidy unit fuzz integration) # labels in tests/CMakeLists.txt
node_steps=(e2e smpp sms_sdk wechat crash faults rebuild takeover browser) # tests/e2e/<step>*.test.mjs

contains() { # WORD LIST...
    local word=$1 other
    shift
    for other in "$@"; do [ "$other" != "$word" ] || return 0; done
    return 1
}

run_ctest() { # STEP...
    local labels
    labels=$(printf '%s|' "$@")
    case " $* " in
    " format " | " shell " | " format shell ") configure asan ;;
    " unit ") build asan zhida_unit ;;
    *) build asan ;;
    esac
    # Tests that passed are counted, not listed; the whole output is in build/ctest.log.
    ctest --test-dir "$home/build/asan" -j "$(nproc)" --no-tests=error --output-on-failure \
        --output-junit "$home/build/ctest.xml" -L "^(${labels%|})\$" 2>&1 | tee "$home/build/ctest.log" |
        { grep --line-buffered -vE '^ +Start +[0-9]+:|^ *[0-9]+/[0-9]+ Test +#[0-9]+: .* Passed ' || true; }
}

run_node() { # STEP...
    local step files=()
    build release zhida
    case " $* " in *" wechat "*) build release wechat_crypt ;; esac
    # Named steps to die at are in no released program. Many seeds are for what a crash leaves behind: with the
    # sanitizers, which watch in the short form, they would take hours.
    case " $* " in *" crash "*)
        local preset=asan
        [ "${ZHIDA_TEST_SEEDS:-0}" -lt 2 ] || preset=crash
        build $preset zhida
        export ZHIDA_TEST_FAILPOINTS=$home/build/$preset/zhida
        ;;
    esac
    install_node_packages "$home/tests/e2e" "the browser driver, an SMPP peer and the vendors' own SDKs"
    for step in "$@"; do files+=("$home/tests/e2e/$step"*.test.mjs); done
    # One file after the other: node's default is one for each processor but one.
    local failed=0
    ZHIDA="$home/build/release/zhida" node --test --test-reporter=spec "${files[@]}" || failed=$?
    return $failed
}

run_steps() { # STEP...
    local step with_ctest=() with_node=()
    # All seeds where it is asked for by name, one each in the whole run.
    case " $* " in *" crash "*) export ZHIDA_TEST_SEEDS=${ZHIDA_TEST_SEEDS:-20} ;; esac
    [ $# -gt 0 ] || set -- "${ctest_steps[@]}" "${node_steps[@]}"
    for step in "$@"; do
        if contains "$step" "${ctest_steps[@]}"; then
            with_ctest+=("$step")
        elif contains "$step" "${node_steps[@]}"; then
            with_node+=("$step")
        else
            say "zhida.sh test: no step '$step'; there are: ${ctest_steps[*]} ${node_steps[*]}"
            exit 2
        fi
    done
    need build run test
    if [ ${#with_ctest[@]} -gt 0 ]; then run_ctest "${with_ctest[@]}"; fi
    if [ ${#with_node[@]} -gt 0 ]; then run_node "${with_node[@]}"; fi
}
