export function SchedulesPage() { return <p>later</p>; }
