// The time, for what moves on by itself.
import { useEffect, useState } from "preact/hooks";

/** Return the time in milliseconds, and render again every second. */
export function useSecond(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
